"""`manage.py run_due`: what a task queue's consumer does, for sites without one."""

import time

from django.core.management.base import BaseCommand
from django.utils import timezone

from tasker.models import Task


class Command(BaseCommand):
    help = "Run the tasks whose time has come; only of use without Redis."

    def add_arguments(self, parser):
        parser.add_argument("--every", type=float, metavar="SECONDS", help="go on looking, so often")

    def handle(self, *args, **options):
        while True:
            due = Task.objects.filter(ran=None, eta__lte=timezone.now()).order_by("eta")
            count = 0
            for task in due.iterator():
                task.run()
                count += 1
            if count or not options["every"]:
                self.stdout.write(f"{count} tasks run")
            if not options["every"]:
                return
            time.sleep(options["every"])
