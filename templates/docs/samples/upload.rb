require "net/http"

uri = URI("https://your.site/api/v2/remove-background")
request = Net::HTTP::Post.new(uri)
request.basic_auth("API_ID", "API_SECRET")
request.set_form([["image", File.open("photo.jpg")], ["test", "true"]], "multipart/form-data")

options = { use_ssl: uri.scheme == "https", read_timeout: 180 }
response = Net::HTTP.start(uri.host, uri.port, options) { |http| http.request(request) }
abort(response.body) unless response.is_a?(Net::HTTPOK)
File.binwrite("cut-out.png", response.body)
