curl --fail-with-body \
  -u API_ID:API_SECRET \
  -F image=@photo.jpg \
  -F output.format=delta_png \
  -F test=true \
  https://your.site/api/v2/remove-background \
  -o delta.png
