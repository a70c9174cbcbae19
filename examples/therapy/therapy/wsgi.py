"""The application for WSGI servers; static files are served here too, so that it needs no nginx."""

import os

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "therapy.settings")
application = StaticFilesHandler(get_wsgi_application())
