// JavaScript lint: `make check`. Plain ES modules for the browser; tests run in Node.
import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import globals from "globals";

const jsx = { ecmaVersion: "latest", parserOptions: { ecmaFeatures: { jsx: true } } };

export default [
  // What Reflex writes, and what `reflex export`, pip or esbuild made of it.
  {
    ignores: ["**/.web/", ".venv/", ".cache/", "**/assets/external/", "build/", "dist/", "**/built/"],
  },
  js.configs.recommended,
  hooks.configs.flat.recommended,
  {
    files: ["streamui/**/*.{js,jsx}", "app/**/*.{js,jsx}", "benchmarks/**/*.{js,jsx}"],
    languageOptions: { ...jsx, globals: globals.browser },
    rules: {
      eqeqeq: ["error", "smart"],
      "no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "no-var": "error",
      "prefer-const": "error",
    },
  },
  {
    files: ["{tests,scripts}/**/*.{js,mjs}", "benchmarks/**/*.mjs", "*.js"],
    languageOptions: { ...jsx, globals: { ...globals.node, ...globals.browser } },
  },
];
