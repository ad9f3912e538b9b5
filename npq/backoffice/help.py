"""The staff help: how to answer and put right what is asked most often, who may do what, and what words mean."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from npq.backoffice.site_pages import SitePage


def help_page(request: HttpRequest) -> HttpResponse:
    """The one page of help."""
    return render(request, "backoffice/help.html", {**admin.site.each_context(request), "title": "Help"})


PAGES = (SitePage("help/", "help", help_page),)
