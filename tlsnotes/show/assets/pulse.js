// Asks the kernel a number and waits for it to come back: then everything between page and kernel works.
export default {
  render({ model, el }) {
    const line = document.createElement("p");
    line.className = "tlsnotes-pulse";
    line.setAttribute("role", "status");
    line.style.cssText = "margin: 4px 0; font-size: 13px; color: var(--jp-ui-font-color1, #1a1a1a)";
    line.textContent = "… asking the kernel";
    el.append(line);

    const asked = 1 + Math.floor(Math.random() * 1e9);
    const answered = () => {
      if (model.get("pong") === asked) {
        line.textContent = "✓ Widgets work: this page asked the kernel, and the kernel answered.";
      }
    };
    model.on("change:pong", answered);
    model.set("ping", asked);
    model.save_changes();
    return () => model.off("change:pong", answered);
  },
};
