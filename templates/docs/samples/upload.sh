curl --fail-with-body \
  -u API_ID:API_SECRET \
  -F image=@photo.jpg \
  -F test=true \
  https://your.site/api/v2/remove-background \
  -o cut-out.png
