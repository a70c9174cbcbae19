"""What authors and therapists work with."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe

from system import graphs
from system.models import (
    Chapter,
    Content,
    Outbox,
    Program,
    ProgramUserAccess,
    Session,
    TherapistNotification,
    Variable,
)

admin.site.site_header = "Therapy"
admin.site.site_title = "Therapy"
admin.site.index_title = "Programmes and people"


@admin.register(Session)
class SessionAdmin(admin.ModelAdmin):
    """A session with its graph drawn, and what is wrong with it beside."""

    list_display = ["title", "program", "size", "route_slug", "scheduled", "findings"]
    list_filter = ["program"]
    list_select_related = ["program"]
    search_fields = ["title"]
    readonly_fields = ["drawn"]
    fieldsets = [
        (None, {"fields": ["drawn"], "classes": ["graph"]}),
        (None, {"fields": ["title", "display_title", "program", ("route_slug", "is_open")]}),
        ("When it begins", {"fields": ["scheduled", ("start_time_delta", "start_time_unit"), "trigger_login"]}),
        ("Graph", {"fields": ["data"], "classes": ["collapse"]}),
    ]

    class Media:
        css = {"all": ["content/admin.css"]}

    def get_urls(self):
        alone = path("<int:pk>/drawing/", self.admin_site.admin_view(self.drawing), name="session_drawing")
        return [alone, *super().get_urls()]

    def drawing(self, request, pk):
        """The drawing alone, for large ones."""
        session = get_object_or_404(Session, pk=pk)
        if not self.has_view_permission(request, session):
            raise PermissionDenied
        drawing = graphs.draw(session)
        return HttpResponse(drawing.svg or drawing.why_not, headers={"Content-Security-Policy": "script-src 'none'"})

    @admin.display(description="nodes, edges")
    def size(self, session):
        return graphs.size(session)

    @admin.display(description="findings")
    def findings(self, session):
        return graphs.summary(session)

    @admin.display(description="")
    def drawn(self, session):
        if session.pk is None:
            return "Save the session to see it."
        drawing = graphs.draw(session)
        picture = drawing.why_not
        if drawing.svg:
            alone = reverse("admin:session_drawing", args=[session.pk])
            caption = format_html('<figcaption><a href="{}" target="_blank">the drawing alone</a></figcaption>', alone)
            # Graphviz escapes what authors write; the SVG has no scripts and no links.
            picture = caption + mark_safe(drawing.svg)
        found = format_html_join(
            "",
            '<li class="{}"><strong>{}</strong>{}<p>{}</p><small>{}</small></li>',
            ((each.severity, each.severity, _place(each), each.what, each.hint) for each in drawing.findings),
        )
        return format_html(
            '<div class="flow"><figure>{}</figure><aside><h3>Findings</h3><ul>{}</ul></aside></div>',
            picture,
            found or format_html("<li>{}</li>", "Nothing was found."),
        )


def _place(finding):
    """Where in an expression, if the finding is about one."""
    return f" in line {finding.line}, column {finding.column}" if finding.line and finding.line > 1 else ""


@admin.register(Content)
class ContentAdmin(admin.ModelAdmin):
    list_display = ["title", "content_type", "display_title", "chapter"]
    list_filter = ["content_type"]
    search_fields = ["title", "display_title"]


@admin.register(Variable)
class VariableAdmin(admin.ModelAdmin):
    list_display = ["name", "value", "is_array", "random_type", "note"]
    list_filter = ["is_array", "random_type"]
    search_fields = ["name", "note"]


@admin.register(Program)
class ProgramAdmin(admin.ModelAdmin):
    list_display = ["title", "display_title", "sessions", "places"]

    @admin.display
    def sessions(self, program):
        url = reverse("admin:system_session_changelist")
        return format_html('<a href="{}?program__id__exact={}">{}</a>', url, program.pk, program.session_set.count())

    @admin.display
    def places(self, program):
        url = reverse("admin:system_programuseraccess_changelist")
        count = program.programuseraccess_set.count()
        return format_html('<a href="{}?program__id__exact={}">{}</a>', url, program.pk, count)


@admin.register(ProgramUserAccess)
class AccessAdmin(admin.ModelAdmin):
    list_display = ["user", "program", "start_time", "time_factor"]
    list_filter = ["program"]
    list_select_related = ["user", "program"]
    raw_id_fields = ["user"]
    search_fields = ["user__email"]
    show_full_result_count = False


@admin.register(Chapter)
class ChapterAdmin(admin.ModelAdmin):
    list_display = ["title", "program", "order"]


@admin.register(TherapistNotification)
class NotificationAdmin(admin.ModelAdmin):
    list_display = ["time", "user", "message", "is_read"]
    list_editable = ["is_read"]
    list_filter = ["is_read"]
    list_select_related = ["user"]
    raw_id_fields = ["user"]


@admin.register(Outbox)
class OutboxAdmin(admin.ModelAdmin):
    list_display = ["time", "kind", "recipient", "subject", "beginning"]
    list_filter = ["kind"]
    search_fields = ["recipient", "subject"]
    show_full_result_count = False

    @admin.display(description="text")
    def beginning(self, message):
        return message.body[:80]

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False
