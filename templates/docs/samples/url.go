package main

import (
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

func main() {
	form := url.Values{"image.url": {"https://example.com/photo.jpg"}, "test": {"true"}}
	body := strings.NewReader(form.Encode())
	request, err := http.NewRequest("POST", "https://your.site/api/v2/remove-background", body)
	check(err)
	request.SetBasicAuth("API_ID", "API_SECRET")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
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
