curl --fail-with-body \
  -u API_ID:API_SECRET \
  -d image.url=https://example.com/photo.jpg \
  -d test=true \
  https://your.site/api/v2/remove-background \
  -o cut-out.png
