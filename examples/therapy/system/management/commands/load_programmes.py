"""`manage.py load_programmes`: the programmes of this folder, or of the files that are named."""

from itertools import islice
from pathlib import Path

from django.core.management.base import BaseCommand

from system import programmes
from system.models import Variable

HERE = Path(__file__).resolve().parents[3] / "programmes"


class Command(BaseCommand):
    help = "Load programmes from JSON files; harmless when repeated."

    def add_arguments(self, parser):
        parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="default: all of programmes/")
        parser.add_argument(
            "--variables",
            type=int,
            default=0,
            metavar="N",
            help="declare unused variables until there are N (715 are the most a real site is known to have)",
        )

    def handle(self, *args, **options):
        for path in options["files"] or sorted(HERE.glob("*.json")):
            program, contents, sessions = programmes.load(path)
            self.stdout.write(f"{program}: {sessions} sessions, {contents} pages and messages")
        missing = options["variables"] - Variable.objects.count()
        if missing > 0:
            taken = set(Variable.objects.values_list("name", flat=True))
            names = (name for name in (f"unused_{n}" for n in range(options["variables"])) if name not in taken)
            Variable.objects.bulk_create(Variable(name=name, value="0") for name in islice(names, missing))
        self.stdout.write(f"{Variable.objects.count()} variables")
