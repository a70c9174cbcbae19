"""Events in the admin; they are read, never written."""

from django.contrib import admin

from events.models import Event


@admin.register(Event)
class EventAdmin(admin.ModelAdmin):
    list_display = ["time", "actor", "domain", "variable", "pre_value", "post_value"]
    list_filter = ["domain"]
    search_fields = ["actor__email", "variable"]
    list_select_related = ["actor"]
    show_full_result_count = False

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False
