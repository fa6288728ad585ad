curl --fail-with-body \
  -u API_ID:API_SECRET \
  -F image=@photo.jpg \
  -F 'hints={"keep": [[100, 80]], "remove": [{"points": [[10, 20], [60, 25]], "radius": 5}]}' \
  -F test=true \
  https://your.site/api/v2/remove-background \
  -o cut-out.png
