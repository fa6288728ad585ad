import { createHmac, timingSafeEqual } from "node:crypto";

// header: X-Webhook-Signature. body: its bytes as they came, not yet read as JSON.
export function isGenuine(secret, header, body) {
  const { t, v1 } = Object.fromEntries(header.split(",").map((part) => part.split("=")));
  const expected = createHmac("sha256", secret).update(`${t}.`).update(body).digest();
  const given = Buffer.from(v1 ?? "", "hex");
  const genuine = given.length === expected.length && timingSafeEqual(given, expected);
  return genuine && Math.abs(Date.now() / 1000 - Number(t)) < 300;
}
