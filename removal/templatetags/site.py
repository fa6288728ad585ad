"""What every page says about the site, also where no request is at hand (errors 400 and 500)."""

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def site_name() -> str:
    return str(settings.SITE_NAME)
