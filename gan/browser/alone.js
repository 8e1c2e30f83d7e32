// The explorer without the app: what Gradio would hand to its script, and answers where a server would be asked.

const element = document.getElementById("explore");
const props = JSON.parse(document.getElementById("explore-settings").textContent);
const watch = () => {};
const described = props.value.first.model;
const alone = "This page draws by itself, and this browser cannot: WebAssembly is missing or is not allowed.";
const server = {
  explore_open: async ({ checkpoint }) =>
    checkpoint === described.checkpoint ? described : { error: "This page holds one checkpoint only: " + described.title + "." },
  explore_render: async () => ({ error: alone }),
  explore_neighbours: async () => ({ neighbours: [] }),
  explore_directions: async () => ({ directions: described.found, next: null }),
  explore_download: async () => ({ error: alone }),
};
