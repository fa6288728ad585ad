import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.UUID;

class Upload {
    public static void main(String[] arguments) throws Exception {
        var edge = UUID.randomUUID().toString();
        var part = "--" + edge + "\r\nContent-Disposition: form-data; ";
        var before = part + "name=\"test\"\r\n\r\ntrue\r\n"
            + part + "name=\"image\"; filename=\"photo.jpg\"\r\n\r\n";
        var after = "\r\n--" + edge + "--\r\n";
        var body = BodyPublishers.ofByteArrays(List.of(
            before.getBytes(), Files.readAllBytes(Path.of("photo.jpg")), after.getBytes()));

        var pair = Base64.getEncoder().encodeToString("API_ID:API_SECRET".getBytes());
        var request = HttpRequest
            .newBuilder(URI.create("https://your.site/api/v2/remove-background"))
            .header("Authorization", "Basic " + pair)
            .header("Content-Type", "multipart/form-data; boundary=" + edge)
            .timeout(Duration.ofSeconds(180))
            .POST(body)
            .build();
        var answer = HttpClient.newHttpClient().send(request, BodyHandlers.ofByteArray());
        if (answer.statusCode() != 200) {
            throw new RuntimeException(new String(answer.body()));
        }
        Files.write(Path.of("cut-out.png"), answer.body());
    }
}
