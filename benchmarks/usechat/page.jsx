// The rival's page, the way its documentation streams: useChat, and the parts of the last message.
import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport } from "ai";
import { createRoot } from "react-dom/client";
import cases from "./built/cases.json";

const transport = new DefaultChatTransport({ api: "/api/chat" });

const textOf = (message) =>
  message.parts.map((part) => (part.type === "text" ? part.text : "")).join("");

function Chat() {
  const { messages, sendMessage } = useChat({ transport });
  const answer = messages.findLast(({ role }) => role === "assistant");
  return (
    <>
      {cases.map(({ button, count, rate }) => (
        <button
          key={button}
          id={button}
          onClick={() => sendMessage({ text: button }, { body: { count, rate } })}
        >
          {button}
        </button>
      ))}
      <div id="answer" style={{ whiteSpace: "pre-wrap" }}>
        {answer && textOf(answer)}
      </div>
    </>
  );
}

createRoot(document.getElementById("root")).render(<Chat />);
