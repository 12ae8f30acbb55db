"""Runs a notebook in JupyterLab, in the browser."""

from pathlib import Path

# opens the notebook of the address, waits for its kernel, runs all cells, gives the errors
RUN_ALL = """async () => {
  const app = window.jupyterapp;
  await app.restored;
  const until = async (ready) => {
    for (let i = 0; i < 1200; i++) {
      const value = ready();
      if (value) return value;
      await new Promise((done) => setTimeout(done, 50));
    }
    throw Error("waited a minute for " + ready);
  };
  const panel = await until(() => {
    const widget = app.shell.currentWidget;
    return widget && widget.sessionContext && widget;
  });
  await panel.context.ready;
  await panel.sessionContext.ready;
  const kernel = await until(() => panel.sessionContext.session?.kernel);
  await kernel.info;
  await app.commands.execute("notebook:run-all-cells");
  const errors = [];
  panel.content.widgets.forEach((cell, n) => {
    if (cell.model.type !== "code") return;
    for (let i = 0; i < cell.model.outputs.length; i++) {
      const output = cell.model.outputs.get(i).toJSON();
      if (output.output_type === "error") errors.push([n, output.ename, output.evalue]);
    }
  });
  return errors;
}"""


def run_notebook(browser, lab, name, page=None):
    """Opens a notebook of the lab's folder and runs all of its cells; no cell may fail.

    `page` is the path of the page that shows it, by default JupyterLab's. Returns the browser's
    tab.
    """
    tab = browser.new_page()
    page = page or f"lab/workspaces/{Path(name).stem}/tree/{name}"
    tab.goto(f"{lab.address}/{page}?token={lab.token}")
    tab.wait_for_function("() => !!window.jupyterapp", timeout=120_000)
    errors = tab.evaluate(RUN_ALL)
    assert errors == []
    return tab
