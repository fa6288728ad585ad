curl --fail-with-body \
  -u API_ID:API_SECRET \
  -F image=@photo.jpg \
  -F zip=@photos.zip \
  -F test=true \
  https://your.site/api/v2/batches \
  -o batch.json
