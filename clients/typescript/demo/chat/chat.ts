import { addMessage, form, input, loadName, matchUrl, showStatus } from "./view.ts";

const me = { id: Math.random(), name: loadName() };
const socket = new WebSocket(matchUrl("chat"));

socket.onopen = () => {
  showStatus("connected");
};

socket.onmessage = (event) => {
  addMessage(event.data, me.id);
};

socket.onclose = () => {
  showStatus("closed", "Disconnected: reload to come back");
};

form.onsubmit = (event) => {
  event.preventDefault();
  if (input.value.trim() === "" || socket.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({ ...me, text: input.value.trim() }));
  input.value = "";
};
