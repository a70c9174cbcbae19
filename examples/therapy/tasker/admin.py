"""Waiting tasks in the admin: see them, run them now, take them back."""

from django.contrib import admin

from tasker.models import Task


@admin.register(Task)
class TaskAdmin(admin.ModelAdmin):
    list_display = ["eta", "action", "session", "subject", "domain", "ran"]
    list_filter = ["domain", ("ran", admin.EmptyFieldListFilter)]
    list_select_related = ["session", "subject"]
    search_fields = ["subject__email", "session__title"]
    show_full_result_count = False
    actions = ["run_now"]

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def delete_queryset(self, request, queryset):
        for task in queryset:  # each takes its call back
            task.delete()

    @admin.action(description="Run now", permissions=["delete"])
    def run_now(self, request, queryset):
        for task in queryset:
            task.run()
        self.message_user(request, "They have run.")
