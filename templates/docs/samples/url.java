import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;

class FromUrl {
    public static void main(String[] arguments) throws Exception {
        var photo = URLEncoder.encode("https://example.com/photo.jpg", StandardCharsets.UTF_8);
        var pair = Base64.getEncoder().encodeToString("API_ID:API_SECRET".getBytes());
        var request = HttpRequest
            .newBuilder(URI.create("https://your.site/api/v2/remove-background"))
            .header("Authorization", "Basic " + pair)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .timeout(Duration.ofSeconds(180))
            .POST(BodyPublishers.ofString("image.url=" + photo + "&test=true"))
            .build();
        var answer = HttpClient.newHttpClient().send(request, BodyHandlers.ofByteArray());
        if (answer.statusCode() != 200) {
            throw new RuntimeException(new String(answer.body()));
        }
        Files.write(Path.of("cut-out.png"), answer.body());
    }
}
