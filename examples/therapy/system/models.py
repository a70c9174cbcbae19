"""What authors write: programmes, sessions, what they show and send, variables.  And the outbox."""

import random
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

UNITS = [(unit, unit) for unit in ("seconds", "minutes", "hours", "days")]


class Program(models.Model):
    """A treatment: sessions in order, and the people who take part."""

    title = models.CharField(max_length=120, unique=True)
    display_title = models.CharField(max_length=120, blank=True)
    description = models.TextField(blank=True)
    users = models.ManyToManyField(settings.AUTH_USER_MODEL, through="ProgramUserAccess", related_name="programs")

    def __str__(self):
        return self.title

    def enroll(self, user, start_time=None):
        """Gives a user a place that starts at a moment; a second time only moves the start."""
        return ProgramUserAccess.objects.update_or_create(
            program=self, user=user, defaults={"start_time": start_time or timezone.now()}
        )[0]

    def leave(self, user):
        """Takes the place away."""
        self.programuseraccess_set.filter(user=user).delete()


class ProgramUserAccess(models.Model):
    """Somebody's place in a programme.  All spans of time are multiplied by their factor."""

    program = models.ForeignKey(Program, models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    start_time = models.DateTimeField(default=timezone.now)
    time_factor = models.DecimalField(max_digits=10, decimal_places=6, default=1)

    class Meta:
        ordering = ["pk"]
        verbose_name = "place in a programme"
        verbose_name_plural = "places in programmes"
        constraints = [models.UniqueConstraint(fields=["program", "user"], name="one_place_in_a_programme")]

    def __str__(self):
        return f"{self.user} in {self.program}"


def empty_graph():
    return {"nodes": [{"id": 0, "type": "start", "title": "Start"}], "edges": []}


class Session(models.Model):
    """A graph: nodes that show, send, compute or wait, and edges with conditions."""

    program = models.ForeignKey(Program, models.CASCADE, null=True, blank=True)
    title = models.CharField(max_length=120, unique=True)
    display_title = models.CharField(max_length=120, blank=True)
    route_slug = models.SlugField(unique=True, null=True, blank=True, help_text="entered at /slug/")
    is_open = models.BooleanField(default=False, help_text="visitors without an account may enter")
    scheduled = models.BooleanField(default=False, help_text="begins by itself for those who take part")
    start_time_delta = models.PositiveIntegerField(default=0)
    start_time_unit = models.CharField(max_length=8, choices=UNITS, default="days")
    trigger_login = models.BooleanField(default=False, help_text="those for whom it begins get a link to log in")
    data = models.JSONField(default=empty_graph)
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["title"]

    def __str__(self):
        return self.title

    def start_time(self, access):
        """When it begins for somebody."""
        span = timedelta(**{self.start_time_unit: float(self.start_time_delta * access.time_factor)})
        return access.start_time + span


class Variable(models.Model):
    """A variable with a first value; random ones are drawn each time they are asked for."""

    RANDOM = [("boolean", "yes or no"), ("numeric", "a whole number"), ("string", "one of some words")]

    name = models.CharField(max_length=100, unique=True)
    note = models.CharField(max_length=200, blank=True)
    value = models.CharField(max_length=200, blank=True, default="")
    is_array = models.BooleanField(default=False)
    max_entries = models.PositiveIntegerField(default=0, help_text="an array keeps so many, 0: all")
    random_type = models.CharField(max_length=8, choices=RANDOM, null=True, blank=True)
    range_min = models.IntegerField(null=True, blank=True)
    range_max = models.IntegerField(null=True, blank=True)
    random_set = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name

    def get_value(self):
        """The value for those who have none of their own."""
        if self.random_type == "boolean":
            return random.choice([True, False])
        if self.random_type == "numeric":
            low, high = sorted((self.range_min or 0, self.range_max or 0))
            return random.randint(low, high)
        if self.random_type == "string":
            return random.choice([word.strip() for word in self.random_set.split(",")])
        return self.value

    @classmethod
    def is_array_variable(cls, name):
        from system.variables import array_variables

        return name in array_variables()


class Chapter(models.Model):
    """A part of a programme that one can come back to."""

    program = models.ForeignKey(Program, models.CASCADE)
    title = models.CharField(max_length=120)
    order = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["order", "pk"]

    def __str__(self):
        return self.title


class Content(models.Model):
    """What is shown or sent; `data` is a list of pagelets."""

    TYPES = [("page", "page"), ("email", "e-mail"), ("sms", "short message")]

    content_type = models.CharField(max_length=8, choices=TYPES, default="page")
    title = models.CharField(max_length=120)
    display_title = models.CharField(max_length=120, blank=True)
    chapter = models.ForeignKey(Chapter, models.SET_NULL, null=True, blank=True)
    data = models.JSONField(default=list)

    class Meta:
        ordering = ["title"]
        constraints = [models.UniqueConstraint(fields=["content_type", "title"], name="one_content_of_a_title")]

    def __str__(self):
        return self.title


class OfType(models.Manager):
    """The rows of Content that are of one type."""

    def __init__(self, content_type):
        super().__init__()
        self.content_type = content_type

    def get_queryset(self):
        rows = super().get_queryset().filter(content_type=self.content_type)
        return rows.select_related("chapter") if self.content_type == "page" else rows


class Page(Content):
    """A page.  What an engine or the view says about it for one user stands on the object."""

    objects = OfType("page")
    dead_end = False
    stacked = False
    is_chapter = False
    chapters = ()
    read_only = False
    is_back = False

    class Meta:
        proxy = True

    def update_html(self, user):
        """Makes `data` what this user is to see."""
        from system import render

        self.data = render.pagelets(self.data, user)
        self.clear_html_from_array_variable()
        self.is_chapter = self.chapter_id is not None
        if self.is_chapter:
            self.chapters = self._chapters(user)

    def render_section(self, section, user):
        """A text as HTML with its variables' values."""
        from system import render

        return render.section(section, user)

    def clear_html_from_array_variable(self, *_):
        """Fields of array variables start empty: what was entered is in the array already."""
        from system.variables import array_variables

        for pagelet in self.data:
            if pagelet.get("content_type") == "form":
                for field in pagelet["content"]:
                    if field["variable_name"] in array_variables():
                        field["value"] = None

    def _chapters(self, user):
        seen = {name for name in user.data if name.startswith("chapter_")}
        return [
            {
                "id": chapter.id,
                "title": chapter.title,
                "is_current": chapter.id == self.chapter_id,
                "is_enabled": f"chapter_{chapter.id}" in seen,
            }
            for chapter in Chapter.objects.filter(program__chapter=self.chapter_id)
        ]


class Email(Content):
    """A mail; its text is that of its first pagelet."""

    objects = OfType("email")

    class Meta:
        proxy = True

    def send(self, user, **_):
        from system import render

        user.send_email(render.plain(self.display_title or self.title, user), render.plain(_first_text(self), user))


class SMS(Content):
    """A short message.  "reply:name" in it asks: the answer will be the value of that variable."""

    objects = OfType("sms")

    class Meta:
        proxy = True
        verbose_name = "short message"

    def send(self, user, session_id=None, node_id=None, **_):
        from system import render

        text, asks, rest = _first_text(self).partition("reply:")
        if asks:
            variable, _, rest = rest.partition(" ")
            text = f"{text}{rest}"
            user.data.update(reply_session=session_id, reply_node=node_id, reply_variable=variable.strip())
            user.save()
        user.send_sms(render.plain(text.strip(), user))


def _first_text(content):
    return content.data[0].get("content", "") if content.data else ""


class TherapistNotification(models.Model):
    """Something a therapist should look at."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True)
    message = models.TextField()
    time = models.DateTimeField(auto_now_add=True)
    is_read = models.BooleanField(default=False)

    class Meta:
        ordering = ["-pk"]

    def __str__(self):
        return self.message[:60]


class Outbox(models.Model):
    """Messages that a real platform would have sent."""

    KINDS = [("email", "e-mail"), ("sms", "short message")]

    kind = models.CharField(max_length=8, choices=KINDS)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    recipient = models.CharField(max_length=254)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField()
    time = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = "sent message"

    def __str__(self):
        return self.subject or self.body[:60]
