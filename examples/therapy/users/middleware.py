"""request.user for visitors without an account."""

from django.utils.functional import SimpleLazyObject

from users.models import StatefulAnonymousUser


class StatefulAnonymity:
    """Anonymous visitors keep their data in the HTTP session."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        known = request.user

        def who():
            return known if known.is_authenticated else StatefulAnonymousUser(request.session)

        request.user = SimpleLazyObject(who)
        return self.get_response(request)
