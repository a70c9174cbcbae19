"""The two forms of the site."""

from django import forms

from site_example.models import Entry


class EntryForm(forms.ModelForm):
    class Meta:
        model = Entry
        fields = ["name", "text"]


class UploadForm(forms.Form):
    file = forms.FileField()
