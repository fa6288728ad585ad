"""All URLs of the site except the probes (middleware.ProbesMiddleware)."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from pixian_site.web import crawlers, pages

urlpatterns = [
    path("i18n/", include("django.conf.urls.i18n")),
    path(settings.ADMIN_PATH, admin.site.urls),
    path("api/", include("removal.api.urls")),
    path("v1.0/", include("removal.api.removebg.urls")),
    path("accounts/", include("accounts.urls")),
    path("dashboard", include("pixian_site.dashboard.urls")),
    *(path(name, pages.page, {"name": name}, name=name) for name in pages.PAGES),
    path("robots.txt", crawlers.robots, name="robots"),
    path("sitemap.xml", crawlers.sitemap, name="sitemap"),
    path("", include("billing.urls")),
    path("", include("removal.urls")),
]

handler400 = "pixian_site.views.bad_request"
handler403 = "pixian_site.views.permission_denied"
handler404 = "pixian_site.views.page_not_found"
handler500 = "pixian_site.views.server_error"
