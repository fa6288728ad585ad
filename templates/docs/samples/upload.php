<?php
$request = curl_init('https://your.site/api/v2/remove-background');
curl_setopt_array($request, [
    CURLOPT_USERPWD => 'API_ID:API_SECRET',
    CURLOPT_POSTFIELDS => [
        'image' => new CURLFile('photo.jpg'),
        'test' => 'true',
    ],
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_TIMEOUT => 180,
]);
$answer = curl_exec($request);
if (curl_getinfo($request, CURLINFO_RESPONSE_CODE) !== 200) {
    fwrite(STDERR, $answer ?: curl_error($request));
    exit(1);
}
file_put_contents('cut-out.png', $answer);
