"""Trying an expression out, as authors do."""

import json

from django.http import HttpResponseForbidden, JsonResponse
from django.views.decorators.http import require_POST

from system.expressions import ParseException, Parser


@require_POST
def evaluate_expression(request):
    """Body {"query": text}; for staff.  {"result": value} or {"result": null, "reason": text}."""
    if not request.user.is_staff:
        return HttpResponseForbidden()
    try:
        query = json.loads(request.body)["query"]
    except (ValueError, KeyError, TypeError):
        return JsonResponse({"reason": "The body is no JSON object with a query."}, status=400)
    try:
        result = Parser(user_obj=request.user).parse(query)
    except (ParseException, ZeroDivisionError, KeyError) as error:
        return JsonResponse({"result": None, "reason": str(error)})
    except Exception as error:
        return JsonResponse({"result": None, "reason": type(error).__name__})
    return JsonResponse({"result": result if isinstance(result, (str, bool, int, float)) else str(result)})
