"""People in the admin."""

import json

from django.contrib import admin
from django.utils.html import format_html

from users.models import User


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    """Their variables are shown; the engine is who changes them."""

    list_display = ["__str__", "phone", "place", "is_active", "is_staff", "last_login"]
    list_filter = ["is_active", "is_staff"]
    search_fields = ["email", "phone"]
    ordering = ["pk"]
    show_full_result_count = False
    readonly_fields = ["variables", "last_login", "date_joined"]
    fields = ["email", "phone", ("is_active", "is_staff"), ("date_joined", "last_login"), "variables"]

    @admin.display(description="session, node")
    def place(self, user):
        return ", ".join(str(user.data.get(name, "none")) for name in ("session", "node"))

    @admin.display
    def variables(self, user):
        return format_html("<pre>{}</pre>", json.dumps(user.data, indent=2, sort_keys=True, ensure_ascii=False))

    def has_add_permission(self, request):
        return False
