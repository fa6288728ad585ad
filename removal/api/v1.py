"""The older dialect: v2 with camelCase names, deprecated but still served."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from accounts.public import public_address
from removal import engine

from .views import RemoveBackground

SINCE = "@1686614400"  # 13 June 2023, when v2 replaced it; the date of RFC 9745's header
# The parameters whose names differ from v2; v2's names are accepted as well.
NAMES = {
    "max_pixels": "maxPixels",
    "result.crop_to_foreground": "result.cropToForeground",
    "result.target_size": "result.targetSize",
    "result.vertical_alignment": "result.verticalAlignment",
    "output.jpeg_quality": "output.jpegQuality",
}


class RemoveBackgroundV1(RemoveBackground):
    """POST /api/v1/remove-background"""

    names = NAMES
    parameters = engine.PARAMETERS

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        docs = public_address(request, reverse("api_moving"))
        response["Deprecation"] = SINCE
        response["Link"] = f'<{docs}#v1>; rel="deprecation"; type="text/html"'
        return response
