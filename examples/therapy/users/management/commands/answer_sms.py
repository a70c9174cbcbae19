"""`manage.py answer_sms PHONE TEXT`: what a telephone would send."""

from django.core.management.base import BaseCommand, CommandError

from users import sms


class Command(BaseCommand):
    help = "Answer a question that a programme has sent by short message."

    def add_arguments(self, parser):
        parser.add_argument("phone")
        parser.add_argument("text")

    def handle(self, *args, **options):
        if not sms.receive(options["phone"], options["text"]):
            raise CommandError("nobody with this number has been asked anything")
        self.stdout.write("Answered.")
