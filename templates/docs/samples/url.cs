using System;
using System.Collections.Generic;
using System.IO;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using System.Threading.Tasks;

class FromUrl
{
    static void Main() => Run().GetAwaiter().GetResult();

    static async Task Run()
    {
        var client = new HttpClient { Timeout = TimeSpan.FromSeconds(180) };
        var pair = Convert.ToBase64String(Encoding.ASCII.GetBytes("API_ID:API_SECRET"));
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", pair);

        var body = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["image.url"] = "https://example.com/photo.jpg",
            ["test"] = "true",
        });
        var answer = await client.PostAsync("https://your.site/api/v2/remove-background", body);
        if (!answer.IsSuccessStatusCode)
        {
            throw new Exception(await answer.Content.ReadAsStringAsync());
        }
        File.WriteAllBytes("cut-out.png", await answer.Content.ReadAsByteArrayAsync());
    }
}
