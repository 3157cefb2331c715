// Entry of the page: styles, then the application into #app.

import { render } from "preact";
import "./style/app.css";
import { App } from "./app";

render(<App />, document.getElementById("app")!);
