package main

import (
	"bytes"
	"io"
	"log"
	"mime/multipart"
	"net/http"
	"os"
	"time"
)

func main() {
	photo, err := os.ReadFile("photo.jpg")
	check(err)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("image", "photo.jpg")
	check(err)
	part.Write(photo)
	form.WriteField("test", "true")
	form.Close()

	request, err := http.NewRequest("POST", "https://your.site/api/v2/remove-background", &body)
	check(err)
	request.SetBasicAuth("API_ID", "API_SECRET")
	request.Header.Set("Content-Type", form.FormDataContentType())
	client := http.Client{Timeout: 180 * time.Second}
	response, err := client.Do(request)
	check(err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	check(err)
	if response.StatusCode != 200 {
		log.Fatal(string(answer))
	}
	check(os.WriteFile("cut-out.png", answer, 0o644))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
