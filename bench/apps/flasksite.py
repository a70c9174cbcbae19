"""A Flask site of one page, as small as Flask gets."""

from flask import Flask

app = Flask(__name__)


@app.route("/")
def index():
    return "Hello from Flask\n"
