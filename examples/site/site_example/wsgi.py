"""The site as a WSGI application.

Static files are served here too, so that the example needs no nginx; a real site leaves
them to the proxy in front (docs/deploying.md).
"""

import os

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_example.settings")
application = StaticFilesHandler(get_wsgi_application())
