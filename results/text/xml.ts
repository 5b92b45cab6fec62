/** What XML 1.0 allows in a document (section 2.2, production 2); everything else cannot even be escaped. */
const ILLEGAL = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  // Only `]]>` has to be escaped in text; always doing it needs no look ahead.
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  // Parsers turn bare ones into spaces in attributes, and a bare CR into LF everywhere.
  '\r': '&#13;',
};

/** Any text as the content of an element. */
export function xmlText(text: string): string {
  return text.replace(ILLEGAL, '').replace(/[&<>"'\r]/gu, (character) => ENTITIES[character] ?? character);
}

/** Any text as the value of an attribute, quotes not included. */
export function xmlAttribute(text: string): string {
  return xmlText(text).replace(/[\t\n]/gu, (character) => `&#${character.charCodeAt(0)};`);
}

/** One element, indented, with its children each on lines of their own, or with text. Undefined attributes are left out. */
export function xmlElement(
  name: string,
  attributes: Readonly<Record<string, string | number | undefined>>,
  content: string | readonly string[] = [],
): string {
  const given = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}="${xmlAttribute(String(value))}"`],
  );
  const start = `<${name}${given.join('')}`;
  if (typeof content === 'string') return content === '' ? `${start}/>` : `${start}>${xmlText(content)}</${name}>`;
  return content.length === 0 ? `${start}/>` : `${start}>\n${content.join('\n')}\n</${name}>`;
}
