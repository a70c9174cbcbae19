"""A row for each task that waits, so that it can be seen, moved and taken back."""

from citrate.contrib.scheduler import Key
from django.conf import settings
from django.db import models
from django.db.models import Value
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.module_loading import import_string

from tasker.scheduling import get_scheduler


class TaskManager(models.Manager):
    def create_task(self, sender, domain, time, task, args, action="", subject=None):
        """Schedules `task(*args)` at `time`; another of the same domain, session, node and user is replaced.

        `task` is a Huey task or the name of one; "transition" is that of system.tasks.
        """
        if isinstance(task, str):
            task = import_string(task if "." in task else f"system.tasks.{task}")
        node = args[1] if domain == "delay" else 0
        key = str(Key(domain, sender.pk, node, subject.pk if subject else 0))
        scheduler = get_scheduler()
        for earlier in self.filter(key=key):
            earlier.delete()
        row = self.model(
            key=key,
            domain=domain,
            session=sender,
            subject=subject,
            action=action,
            function=f"{task.func.__module__}.{task.func.__name__}",
            args=list(args),
            eta=time,
        )
        row.task_id = scheduler.schedule(task, args, time)
        row.save(force_insert=True)
        return row


class Task(models.Model):
    """A delayed call.  Deleting the row takes it back."""

    key = models.CharField(max_length=120, unique=True)
    domain = models.CharField(max_length=16)
    session = models.ForeignKey("system.Session", models.CASCADE)
    subject = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True)
    action = models.CharField(max_length=100, blank=True)
    function = models.CharField(max_length=100)
    args = models.JSONField(default=list)
    eta = models.DateTimeField(db_index=True)
    task_id = models.CharField(max_length=64, db_index=True)
    created = models.DateTimeField(auto_now_add=True)
    ran = models.DateTimeField(null=True, blank=True)

    objects = TaskManager()

    class Meta:
        ordering = ["eta"]

    def __str__(self):
        return f"{self.action or self.domain} of {self.session} for {self.subject}"

    def delete(self, *args, **kwargs):
        if self.ran is None:
            get_scheduler().revoke(self.task_id)
        return super().delete(*args, **kwargs)

    def run(self):
        """Makes the call now, unless it has been made."""
        if Task.claim(self.task_id):
            import_string(self.function).call_local(*self.args)

    @classmethod
    def claim(cls, task_id):
        """Marks a task as run; False when it has run or was taken back."""
        done = Concat("key", Value("#"), "task_id")  # the next call may have the key
        return cls.objects.filter(task_id=task_id, ran=None).update(ran=timezone.now(), key=done) == 1
