"""A Django app with the command ``manage.py runcitrate``: add "citrate.contrib.django" to INSTALLED_APPS."""
