"""Where everything is."""

from django.contrib import admin
from django.urls import path

from site_example import views

urlpatterns = [
    path("", views.index, name="index"),
    path("admin/", admin.site.urls),
    path("book/", views.book, name="book"),
    path("upload/", views.upload, name="upload"),
    path("download/", views.download, name="download"),
    path("slow/", views.slow, name="slow"),
    path("slow/database/", views.slow_database, name="slow_database"),
    path("stream/", views.stream, name="stream"),
    path("fragments/", views.fragments, name="fragments"),
    path("quick/", views.quick, name="quick"),
]
