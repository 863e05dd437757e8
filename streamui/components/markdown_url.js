// Which addresses from streamed text may become a link or a request of this page.
import { decodeNamedCharacterReference } from "decode-named-character-reference";

const REFERENCE = /&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([\da-zA-Z]{1,31}));/g;
const LINKS = new Set(["http:", "https:", "mailto:"]);
const HERE = "here.invalid";
const REPLACEMENT = "\uFFFD";

function decodePoint(digits, radix) {
  const point = Number.parseInt(digits, radix);
  const valid = point > 0 && point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff);
  return valid ? String.fromCodePoint(point) : REPLACEMENT;
}

/** Text as HTML would show it: `&amp;` is an ampersand. */
export function decodeText(text) {
  if (!text.includes("&")) return text;
  return text.replace(REFERENCE, (whole, decimal, hex, name) => {
    if (decimal) return decodePoint(decimal, 10);
    if (hex) return decodePoint(hex, 16);
    return decodeNamedCharacterReference(name) || whole;
  });
}

function parse(href) {
  // The parser of the browser decides what the scheme is, tabs and newlines in it included. An
  // address such as "https:/x" is a path here or a host elsewhere, as the page came: not offered.
  const [url, other] = ["https", "http"].map((scheme) => {
    const base = `${scheme}://${HERE}/`;
    return URL.canParse(href, base) ? new URL(href, base) : null;
  });
  return url && url.host === other?.host && url.pathname === other.pathname ? url : null;
}

/** `{href, external}` of a link that is safe to offer, else null. */
export function safeLink(source) {
  const href = decodeText(source ?? "").trim();
  const url = parse(href);
  if (!url || !LINKS.has(url.protocol)) return null;
  return { href, external: url.host !== HERE && url.protocol !== "mailto:" };
}

/**
 * The address of an image this page may request, else null.
 *
 * @param allowed true for every http(s) address, or prefixes: `https://cdn.example.com/docs/`,
 *   `/static/`. The host must be equal, the path must begin with the prefix's path.
 */
export function safeImage(source, allowed) {
  const href = decodeText(source ?? "").trim();
  const url = parse(href);
  if (!url || !allowed || !/^https?:$/.test(url.protocol)) return null;
  if (allowed === true) return href;
  const found = allowed.some((prefix) => {
    const base = parse(prefix);
    return base && base.origin === url.origin && url.pathname.startsWith(base.pathname);
  });
  return found ? href : null;
}
