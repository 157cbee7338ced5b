"""Generic pieces of the screen: upload, camera, picker, gallery, charts, layout."""
