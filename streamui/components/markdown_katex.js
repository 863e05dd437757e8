// Loaded with the first formula only.
import "katex/dist/katex.min.css";

export { default } from "katex";
