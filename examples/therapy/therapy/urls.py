"""Where everything is."""

from content import views as content
from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView
from system import views as system
from users import views as users

urlpatterns = [
    path("", content.main, name="main"),
    path("home", content.home, name="home"),
    path("api/", content.api, name="api"),
    path("api/users/receive_sms", users.receive_sms, name="receive_sms"),
    path("api/system/evaluate-expression/", system.evaluate_expression, name="evaluate_expression"),
    path("login/", users.login, name="login"),
    path("login/<int:user_id>/<str:token>", users.login_by_link, name="login_link"),
    path("favicon.ico", RedirectView.as_view(url="/static/content/moon.svg", permanent=True)),
    path("logout/", users.logout, name="logout"),
    path("admin/", admin.site.urls),
    path("<slug:slug>/", content.enter, name="enter"),
]
