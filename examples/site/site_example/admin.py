"""The guest book in the admin."""

from django.contrib import admin

from site_example.models import Entry


@admin.register(Entry)
class EntryAdmin(admin.ModelAdmin):
    list_display = ["name", "text", "written"]
    search_fields = ["name", "text"]
