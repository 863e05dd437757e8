import { Fragment, memo } from "react";
import { CodeBlock } from "./markdown_code.jsx";
import { Formula } from "./markdown_math.jsx";
import { decodeText, safeImage, safeLink } from "./markdown_url.js";

const Link = ({ href, title, children }) => {
  const safe = safeLink(href);
  if (!safe) return <span>{children}</span>;
  const outside = safe.external ? { target: "_blank", rel: "noopener noreferrer" } : null;
  return (
    <a href={safe.href} title={title ? decodeText(title) : undefined} {...outside}>
      {children}
    </a>
  );
};

/** An image that may be requested, else its description with a link: a request is a choice. */
const Image = ({ token, context }) => {
  const alt = decodeText(token.text ?? "") || "Image";
  const source = safeImage(token.href, context.images);
  if (source) {
    return <img src={source} alt={alt} loading="lazy" decoding="async" referrerPolicy="no-referrer" />;
  }
  return (
    <span className="streamui-md-image">
      {context.inLink ? alt : <Link href={token.href}>{alt}</Link>}
      <span> (image not loaded)</span>
    </span>
  );
};

const inline = (tokens, context) =>
  tokens?.map((token, index) => {
    const draw = inlines[token.type];
    // Whatever else it is, HTML included, its source shows as text.
    return <Fragment key={index}>{draw ? draw(token, context) : token.raw}</Fragment>;
  });

const inlines = {
  text: (token, context) =>
    token.tokens ? inline(token.tokens, context) : decodeText(token.text),
  escape: (token) => token.text,
  strong: (token, context) => <strong>{inline(token.tokens, context)}</strong>,
  em: (token, context) => <em>{inline(token.tokens, context)}</em>,
  del: (token, context) => <del>{inline(token.tokens, context)}</del>,
  codespan: (token) => <code dir="ltr">{token.text}</code>,
  br: () => <br />,
  html: (token) => (/^<br\s*\/?>$/i.test(token.raw) ? <br /> : token.raw),
  checkbox: () => null,
  inlineMath: (token) => <Formula source={token.text} display={token.display} />,
  link: (token, context) => (
    <Link href={token.href} title={token.title}>
      {inline(token.tokens, { ...context, inLink: true })}
    </Link>
  ),
  image: (token, context) => <Image token={token} context={context} />,
  footnoteMark: (token, context) => (
    <sup>
      <a href={`#${context.id}-note-${token.label}`}>{token.label}</a>
    </sup>
  ),
};

const sameRaw = (a, b) => a.raw === b.raw && a.loose === b.loose && a.context === b.context;

const Item = memo(({ item, loose, context }) => (
  <li className={item.task ? "streamui-md-task" : undefined}>
    {item.task && (
      <input
        type="checkbox"
        checked={item.checked}
        readOnly
        disabled
        aria-label={item.checked ? "Done" : "To do"}
      />
    )}
    {item.tokens.map((token, index) =>
      loose && token.type === "text" ? (
        <p key={index}>{inline(token.tokens, context)}</p>
      ) : (
        <Inner key={index} token={token} context={context} />
      ),
    )}
  </li>
), sameRaw);

const Items = memo(({ items, loose, context }) =>
  items.map((item, index) => (
    <Item key={index} item={item} raw={item.raw} loose={loose} context={context} />
  )),
);

const Row = memo(({ cells, context, head }) => {
  const Cell = head ? "th" : "td";
  return (
    <tr>
      {cells.map((cell, index) => (
        <Cell key={index} data-align={cell.align ?? undefined} scope={head && "col"}>
          {inline(cell.tokens, context)}
        </Cell>
      ))}
    </tr>
  );
}, sameRaw);

const rawOf = (cells) => cells.map((cell) => `${cell.align}${cell.text}`).join("|");

const Rows = memo(({ rows, context }) => (
  <tbody>
    {rows.map((cells, index) => (
      <Row key={index} cells={cells} raw={rawOf(cells)} context={context} />
    ))}
  </tbody>
));

const blocks = {
  heading: ({ token, context, dir }) => {
    const Heading = `h${token.depth}`;
    return <Heading dir={dir}>{inline(token.tokens, context)}</Heading>;
  },
  paragraph: ({ token, context, dir }) => <p dir={dir}>{inline(token.tokens, context)}</p>,
  hr: () => <hr />,
  code: ({ token, parts, live }) => (
    <CodeBlock language={token.lang} parts={parts} tail={token.text} live={live} />
  ),
  blockquote: ({ token, context, dir }) => (
    <blockquote dir={dir}>
      {token.tokens.map((inner, index) => (
        <Inner key={index} token={inner} context={context} />
      ))}
    </blockquote>
  ),
  list: ({ token, parts = [], context, dir }) => {
    const List = token.ordered ? "ol" : "ul";
    const first = parts[0]?.[0] ?? token.items[0];
    const start = token.ordered ? Number.parseInt(first?.raw.trim() ?? "1", 10) : undefined;
    return (
      <List dir={dir} start={start}>
        {[...parts, token.items].map((items, index) => (
          <Items key={index} items={items} loose={token.loose} context={context} />
        ))}
      </List>
    );
  },
  table: ({ token, parts = [], context, dir }) => (
    <div className="streamui-md-table" role="group" aria-label="Table" tabIndex={0}>
      <table dir={dir}>
        <thead>
          <Row cells={token.header} raw={rawOf(token.header)} context={context} head />
        </thead>
        {[...parts, token.rows].map((rows, index) => (
          <Rows key={index} rows={rows} context={context} />
        ))}
      </table>
    </div>
  ),
  math: ({ token }) => <Formula source={token.text} display block />,
  footnote: ({ token, context, dir }) => (
    <p className="streamui-md-note" id={`${context.id}-note-${token.label}`} dir={dir}>
      <sup>{token.label}</sup> {inline(token.tokens, context)}
    </p>
  ),
  html: ({ token, dir }) => (
    <p className="streamui-md-html" dir={dir}>
      {token.raw.trim()}
    </p>
  ),
  space: () => null,
  def: () => null,
};

/** A token inside a list item or a quotation: a block, or the text of a tight item. */
function Inner({ token, context }) {
  const Kind = blocks[token.type];
  if (Kind) return <Kind token={token} context={context} />;
  return inline([token], context);
}

/** A block of the page. It finds its own direction; blocks in it follow. */
export const Block = memo(({ block, context }) => {
  const { token, parts, live } = block;
  const Kind = blocks[block.type] ?? blocks.html;
  return <Kind token={token} parts={parts} live={live} context={context} dir="auto" />;
});
