// Tabs by the keyboard too: arrows, Home, End.

/** Makes the page's tabs work; opened is told the id of the panel that opens. */
export function startTabs(opened: (panel: string) => void): void {
  const tabs = [...document.querySelectorAll<HTMLButtonElement>("[role=tab]")];
  const open = (tab: HTMLButtonElement): void => {
    for (const other of tabs) {
      const chosen = other === tab;
      other.setAttribute("aria-selected", String(chosen));
      other.tabIndex = chosen ? 0 : -1;
      const panel = document.getElementById(other.getAttribute("aria-controls") ?? "");
      if (panel) panel.hidden = !chosen;
    }
    opened(tab.getAttribute("aria-controls") ?? "");
  };
  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => open(tab));
    tab.addEventListener("keydown", (event) => {
      const steps: Record<string, number> = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: -1 };
      const next = tabs.at((steps[event.key] ?? NaN) % tabs.length);
      if (!(event.key in steps) || !next) return;
      event.preventDefault();
      next.focus();
      open(next);
    });
  });
}
