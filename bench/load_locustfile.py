"""What Locust does in bench/load: one class of users, chosen by BENCH_USER (fast-plain, http-page, …)."""

import os
import re

from locust import FastHttpUser, HttpUser, User, task

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


chosen = os.environ.get("BENCH_USER", "")
client = {"fast": FastHttpUser, "http": HttpUser}.get(chosen.partition("-")[0], User)

if chosen.endswith("-plain"):

    class Plain(client):
        @task
        def get(self):
            self.client.get("/")

elif chosen.endswith("-page"):

    class Page(client):
        """The session keeps the cookie."""

        def on_start(self):
            self.token = TOKEN.search(self.client.get("/page").text)[1]

        @task
        def read(self):
            answer = self.client.get("/next", headers={"X-CSRFToken": self.token})
            self.token = TOKEN.search(answer.text)[1]

else:

    class Citrate(User):
        """For the master: walked by citrate load --locust-worker."""

        @task
        def walk(self):
            raise NotImplementedError
