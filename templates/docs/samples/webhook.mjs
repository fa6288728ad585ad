import { createHmac, timingSafeEqual } from "node:crypto";

// headers: of Node's request, in lower case. body: its bytes as they came, not yet read as JSON.
export function isGenuine(secret, headers, body) {
  const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": given = "" } = headers;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const hmac = createHmac("sha256", key).update(`${id}.${at}.`).update(body);
  const expected = Buffer.from(`v1,${hmac.digest("base64")}`);
  const genuine = given.split(" ").some((one) => {
    const bytes = Buffer.from(one);
    return bytes.length === expected.length && timingSafeEqual(bytes, expected);
  });
  return genuine && Math.abs(Date.now() / 1000 - Number(at)) < 300;
}
