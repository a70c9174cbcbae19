"""Users, and visitors who are nobody yet."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.db import models
from django.urls import reverse
from django.utils import timezone
from system.variables import array_variables
from tokens.tokens import token_generator

from users.jsontext import DataEncoder, plain


class UserManager(BaseUserManager):
    def create_user(self, email=None, password=None, **fields):
        user = self.model(email=self.normalize_email(email) or None, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email, password=None, **fields):
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class VariablesMixin:
    """What the engine asks of whoever walks through a programme; `data` is theirs."""

    def set_variable_value(self, name, value):
        """Sets a variable; array variables get one more entry and forget the first ones."""
        arrays = array_variables()
        if name not in arrays:
            self.data[name] = value
            return
        entries = self.data.get(name)
        entries = [*entries, value] if isinstance(entries, list) else [value]
        self.data[name] = entries[-arrays[name] :] if arrays[name] else entries

    def get_pre_variable_value_for_log(self, name):
        """A variable's value before it is set anew, as events show it."""
        return self.data.get(name, "")


class User(VariablesMixin, AbstractBaseUser, PermissionsMixin):
    """Somebody with an account.  They log in with number, e-mail address or telephone number."""

    email = models.EmailField(unique=True, null=True, blank=True)
    phone = models.CharField(max_length=32, unique=True, null=True, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=timezone.now)
    data = models.JSONField(default=dict, blank=True, encoder=DataEncoder)
    version = models.PositiveIntegerField(default=0, editable=False)

    objects = UserManager()
    USERNAME_FIELD = "email"

    def __str__(self):
        return self.email or self.phone or f"user {self.pk}"

    def check_password(self, raw_password):
        """Without rehashing on the way: seeded passwords stay what they are."""
        return check_password(raw_password, self.password)

    def register(self):
        """They have an account already: (self, False)."""
        return self, False

    def register_chapter_to_page(self, page):
        """Remembers which page of a chapter was seen last."""
        if page.chapter_id:
            self.data[f"chapter_{page.chapter_id}"] = page.id

    def get_page_id_by_chapter(self, chapter_id):
        """The page of a chapter that was seen last, or None."""
        return self.data.get(f"chapter_{chapter_id}")

    def send_email(self, subject, body):
        """A row in the outbox; users without an address get none."""
        from system.models import Outbox

        if self.email:
            Outbox.objects.create(kind="email", user=self, recipient=self.email, subject=subject, body=body)

    def send_sms(self, body):
        """The same for short messages."""
        from system.models import Outbox

        if self.phone:
            Outbox.objects.create(kind="sms", user=self, recipient=self.phone, body=body)

    def login_link(self):
        """A path that logs them in, once and for a while."""
        return reverse("login_link", args=[self.pk, token_generator.make_token(self)])

    def send_login_link(self):
        """Invites them to what waits for them."""
        self.send_email("Your next session is ready", f"It takes a few minutes: {self.login_link()}")
        self.send_sms(f"Your next session is ready: {self.login_link()}")


class StatefulAnonymousUser(VariablesMixin, AnonymousUser):
    """A visitor without an account; what the engine keeps of them lives in the HTTP session."""

    KEY = "user_data"

    def __init__(self, http_session):
        super().__init__()
        self._http_session = http_session
        self.data = dict(http_session.get(self.KEY, {}))

    def save(self, *args, **kwargs):
        self._http_session[self.KEY] = plain(self.data)

    def refresh_from_db(self):
        """There is no row."""

    def register(self):
        """An account from what they entered: (user, True).  KeyError if something is missing."""
        password, email, phone = (self.data.pop(name) for name in ("password", "email", "phone"))
        user = User.objects.create_user(email, password, phone=phone or None, data=self.data)
        self._http_session.pop(self.KEY, None)
        return user, True

    def send_email(self, subject, body):
        """Nobody knows where to."""

    def send_sms(self, body):
        """Nobody knows where to."""

    def send_login_link(self):
        """Nobody knows where to."""
