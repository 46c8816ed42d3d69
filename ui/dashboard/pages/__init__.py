"""The pages of the dashboard, a folder each: layout, callbacks, panels and figures of its own."""
