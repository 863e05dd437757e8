// Loaded with the first block of code only: the languages that answers are written in.
import hljs from "highlight.js/lib/common";
import dockerfile from "highlight.js/lib/languages/dockerfile";
import elixir from "highlight.js/lib/languages/elixir";
import haskell from "highlight.js/lib/languages/haskell";
import http from "highlight.js/lib/languages/http";
import nginx from "highlight.js/lib/languages/nginx";
import powershell from "highlight.js/lib/languages/powershell";
import scala from "highlight.js/lib/languages/scala";

const more = { dockerfile, elixir, haskell, http, nginx, powershell, scala };
for (const [name, language] of Object.entries(more)) hljs.registerLanguage(name, language);
hljs.registerAliases(["vue", "svelte"], { languageName: "xml" });
hljs.registerAliases(["jsonc", "json5", "ndjson"], { languageName: "json" });

export default hljs;
