"""Logging in and out, and answers by short message."""

from django.conf import settings
from django.contrib import auth
from django.http import HttpResponse, HttpResponseForbidden
from django.shortcuts import redirect, render
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from tokens.tokens import token_generator

from users import sms
from users.models import User


@never_cache
def login(request):
    """The form, and what comes back from it."""
    failed = False
    if request.method == "POST":
        user = auth.authenticate(
            request, username=request.POST.get("username", ""), password=request.POST.get("password", "")
        )
        if user is not None:
            auth.login(request, user)
            return redirect("main")
        failed = True
    name = request.POST.get("username", "")
    return render(request, "content/login.html", {"failed": failed, "name": name}, status=200)


@never_cache
def login_by_link(request, user_id, token):
    """A link from a message."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or not token_generator.check_token(user, token):
        return render(request, "content/login.html", {"stale": True}, status=403)
    auth.login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return redirect("main")


def logout(request):
    auth.logout(request)
    return redirect("home")


@csrf_exempt
@require_POST
def receive_sms(request):
    """What the provider of short messages calls: fields `from` and `text`, and the secret it was given."""
    if not constant_time_compare(request.headers.get("X-SMS-Secret", ""), settings.THERAPY_SMS_SECRET):
        return HttpResponseForbidden()
    answered = sms.receive(request.POST.get("from", ""), request.POST.get("text", ""))
    return HttpResponse("answered\n" if answered else "nothing was asked\n", content_type="text/plain")
